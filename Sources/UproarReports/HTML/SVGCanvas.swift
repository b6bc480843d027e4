import UproarCore

/// Draws one SVG: markup is appended in order, coordinates carry one digit.
///
/// Colours are classes, so that light, dark and print decide them; sizes are the view box's. `tip` is the text a pointer
/// shows: a `title` element, which the page's script turns into a quicker tooltip.
struct SVGCanvas {
    let width: Double
    let height: Double
    private var body = ""

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    static func number(_ value: Double) -> String {
        let text = NumberText.fixed(value, 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private func n(_ value: Double) -> String { Self.number(value) }

    mutating func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String
    ) {
        body +=
            "<line class=\"\(style)\" x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\"/>"
    }

    mutating func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String,
        radius: Double = 0, tip: String? = nil
    ) {
        let round = radius > 0 ? " rx=\"\(n(radius))\"" : ""
        body +=
            "<rect class=\"\(style)\" x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(max(0, width)))\" "
            + "height=\"\(n(max(0, height)))\"\(round)"
        close("rect", tip)
    }

    mutating func circle(_ x: Double, _ y: Double, _ radius: Double, _ style: String) {
        body += "<circle class=\"\(style)\" cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(n(radius))\"/>"
    }

    /// A small triangle that points up: the value is beyond the chart.
    mutating func arrowUp(_ x: Double, _ y: Double, _ style: String) {
        body +=
            "<path class=\"\(style)\" d=\"M\(n(x - 4)) \(n(y + 6))L\(n(x)) \(n(y))L\(n(x + 4)) \(n(y + 6))Z\"/>"
    }

    /// Stretches of points joined by lines; a nil starts a new stretch. A stretch of one point is a dot.
    mutating func path(_ points: [(x: Double, y: Double)?], _ style: String, dot: String) {
        var data = ""
        var run: [(x: Double, y: Double)] = []
        var dots: [(x: Double, y: Double)] = []
        func flush() {
            if run.count == 1 { dots.append(run[0]) }
            if run.count > 1 {
                for (place, point) in run.enumerated() {
                    data += "\(place == 0 ? "M" : "L")\(n(point.x)) \(n(point.y))"
                }
            }
            run = []
        }
        for point in points {
            if let point { run.append(point) } else { flush() }
        }
        flush()
        if !data.isEmpty { body += "<path class=\"\(style)\" d=\"\(data)\"/>" }
        for point in dots { circle(point.x, point.y, 3, dot) }
    }

    /// A filled shape between two lines, left to right and back.
    mutating func area(
        _ upper: [(x: Double, y: Double)], _ lower: [(x: Double, y: Double)], _ style: String
    ) {
        guard upper.count > 1 else { return }
        var data = ""
        for (place, point) in (upper + lower.reversed()).enumerated() {
            data += "\(place == 0 ? "M" : "L")\(n(point.x)) \(n(point.y))"
        }
        body += "<path class=\"\(style)\" d=\"\(data)Z\"/>"
    }

    enum Anchor: String { case start, middle, end }

    mutating func text(
        _ x: Double, _ y: Double, _ text: String, _ anchor: Anchor = .start,
        _ style: String = "t"
    ) {
        let place = anchor == .start ? "" : " text-anchor=\"\(anchor.rawValue)\""
        body +=
            "<text class=\"\(style)\" x=\"\(n(x))\" y=\"\(n(y))\"\(place)>\(XMLText.escaped(text))</text>"
    }

    private mutating func close(_ element: String, _ tip: String?) {
        guard let tip else {
            body += "/>"
            return
        }
        body += "><title>\(XMLText.escaped(tip))</title></\(element)>"
    }

    /// The finished image. `id` must be its own in the page.
    func markup(id: String, title: String, description: String, style: String) -> String {
        "<svg class=\"\(style)\" viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" "
            + "aria-labelledby=\"\(id)-t \(id)-d\"><title id=\"\(id)-t\">\(XMLText.escaped(title))"
            + "</title><desc id=\"\(id)-d\">\(XMLText.escaped(description))</desc>\(body)</svg>"
    }
}

/// A drawing made twice: for a desk and for a phone, where a shrunk one could not be read.
struct ResponsiveChart {
    /// `width` of the view box, and whether it is the narrow one.
    static func markup(
        id: String, title: String, description: String,
        _ draw: (_ width: Double, _ isNarrow: Bool) -> SVGCanvas
    ) -> String {
        draw(960, false).markup(
            id: id + "-w", title: title, description: description, style: "wide")
            + draw(380, true).markup(
                id: id + "-n", title: title, description: description, style: "narrow")
    }
}
