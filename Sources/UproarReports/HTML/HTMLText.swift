import UproarCore
import UproarStatistics

/// Small pieces of page: escaped text, tables, legends, figures.
enum HTMLText {
    static func escaped(_ text: String) -> String { XMLText.escaped(text) }

    struct Column {
        var name: String
        var isNumber = false
        /// On a phone the cell takes a line of its own without its name.
        var isWide = false
    }

    /// Cells are markup: escape what is text. On a phone each row becomes a block with the columns' names, one below the other,
    /// or side by side where `isFlowing` says that cells are short numbers.
    static func table(
        _ columns: [Column], _ rows: [[String]], caption: String, isFlowing: Bool = false
    ) -> String {
        let head = columns.map {
            "<th scope=\"col\"\($0.isNumber ? " class=\"n\"" : "")>\(escaped($0.name))</th>"
        }.joined()
        let body = rows.map { cells in
            "<tr>"
                + zip(columns, cells).map { column, cell in
                    let style = (column.isNumber ? "n " : "") + (column.isWide ? "wide-cell" : "")
                    let name = column.isWide ? "" : " data-name=\"\(escaped(column.name))\""
                    let content = cell.isEmpty || column.isWide ? cell : "<span>\(cell)</span>"
                    return "<td\(style.isEmpty ? "" : " class=\"\(style)\"")\(name)>\(content)</td>"
                }.joined() + "</tr>"
        }.joined(separator: "\n")
        return
            "<div class=\"scroll\"><table class=\"stack\(isFlowing ? " flow" : "")\" aria-label=\"\(escaped(caption))\"><thead>"
            + "<tr>\(head)</tr></thead><tbody>\(body)</tbody></table></div>"
    }

    /// The numbers behind a chart, folded: for those who cannot see it, and for copying.
    static func numbers(_ columns: [String], _ rows: [[String]], caption: String) -> String {
        guard !rows.isEmpty else { return "" }
        let head = columns.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
        let body = rows.map { row in
            "<tr>" + row.map { "<td>\(escaped($0))</td>" }.joined() + "</tr>"
        }.joined(separator: "\n")
        return "<details><summary>The numbers of this chart</summary><div class=\"scroll\">"
            + "<table aria-label=\"\(escaped(caption))\"><thead><tr>\(head)</tr></thead>"
            + "<tbody>\(body)</tbody></table></div></details>"
    }

    static func legend(_ entries: [(name: String, colour: String)], boxes: Bool = false) -> String {
        "<div class=\"legend\" aria-hidden=\"true\">"
            + entries.map { entry in
                let mark =
                    boxes
                    ? "<i class=\"box\" style=\"background:var(--\(entry.colour))\"></i>"
                    : "<i style=\"border-color:var(--\(entry.colour))\"></i>"
                return "<span>\(mark)\(escaped(entry.name))</span>"
            }.joined() + "</div>"
    }

    static func figure(_ chart: String, caption: String, extra: String = "") -> String {
        "<figure>\(chart)<figcaption>\(escaped(caption))</figcaption>\(extra)</figure>"
    }

    static func section(
        _ id: String, _ title: String, intro: String = "", _ body: String, isLong: Bool = false
    ) -> String {
        guard !body.isEmpty else { return "" }
        let lead = intro.isEmpty ? "" : "<p class=\"note\">\(intro)</p>"
        return
            "<section class=\"card\(isLong ? " long" : "")\" id=\"\(id)\" aria-labelledby=\"\(id)-h\">"
            + "<h2 id=\"\(id)-h\">\(escaped(title))</h2>\(lead)\(body)</section>\n"
    }

    /// A thin bar of `share` of its cell's width.
    static func bar(_ share: Double, isBad: Bool = false) -> String {
        let width = NumberText.fixed(max(0, min(1, share)) * 100, 1)
        return "<span class=\"track\"><span class=\"share\(isBad ? " no" : "")\" "
            + "style=\"width:\(width)%\"></span></span>"
    }

    static func figureText(_ figure: Figure?) -> String {
        escaped(figure?.text(.time) ?? "–")
    }
}
