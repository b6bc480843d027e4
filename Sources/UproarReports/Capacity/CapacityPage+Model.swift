import UproarCapacity
import UproarCore
import UproarStatistics

/// The fitted curves with their intervals, what they leave over, and the loads they were made to predict.
extension CapacityPage {
    var fits: String {
        var rows: [[String]] = []
        var plots: [String] = []
        var text = ""
        if let curve = model.p95 {
            text +=
                "<p>p95(N) = \(HTMLText.escaped(curve.text(Self.milliseconds))) "
                + "<span class=\"soft\">(shape: \(curve.shape.rawValue), of flat, usl and queue\(extent(of: curve)))</span></p>"
            rows += curve.names.enumerated().map { place, parameter in
                let isCalls = parameter.name == "m"
                let scale = isCalls ? 1 : 1000.0
                let places = isCalls ? 1 : 3
                return [
                    "p95", parameter.name, HTMLText.escaped(parameter.meaning),
                    CapacityText.fixed(curve.parameters[place] * scale, places)
                        + (isCalls ? " calls" : " ms"),
                    // On its bound a parameter was left out of the fit, and has no interval.
                    place > 0 && curve.parameters[place] == 0
                        ? "left out"
                        : CapacityText.interval(curve.interval(of: place), scale, places),
                ]
            }
            plots.append(
                residuals(
                    "residuals", "Residuals of the fitted p95, in per cent", xName: "callers",
                    zip(curve.points.map(\.load), curve.residuals).map { ($0, $1 * 100) },
                    places: 1, unit: " %"))
        }
        if let cpu = model.cpu {
            let terms = zip(cpu.coefficients, ["", "·N", "·N²"]).map {
                CapacityText.fixed($0, 5) + $1
            }
            text += "<p>cores(N) = \(terms.joined(separator: " + "))</p>"
            let names = [
                ("c₀", "at rest"), ("c₁", "by call"), ("c₂", "by call and load"),
            ]
            rows += cpu.coefficients.indices.map { place in
                [
                    "cores", names[place].0, names[place].1,
                    CapacityText.fixed(cpu.coefficients[place], 5),
                    cpu.interval(of: place).map { CapacityText.interval($0, 1, 5) } ?? "unknown",
                ]
            }
            plots.append(
                residuals(
                    "residuals-cores", "Residuals of the fitted cores, in millicores",
                    xName: "calls under way",
                    zip(cpuLoads, cpu.residuals).map { ($0, $1 * 1000) }, places: 1, unit: "m"))
        }
        guard !rows.isEmpty else { return "" }
        text += HTMLText.table(
            [
                .init(name: "of"), .init(name: "parameter"), .init(name: "meaning", isWide: true),
                .init(name: "fitted", isNumber: true),
                .init(name: "95 % interval", isNumber: true),
            ], rows, caption: "Parameters of the fits")
        return HTMLText.section(
            "model", "The model behind the curve",
            text + "<div class=\"pair\">" + plots.joined() + "</div>" + predictions)
    }

    /// Loads that broke are left out of a curve that does not go so far.
    private func extent(of curve: LoadCurve) -> String {
        let most = curve.points.map(\.load).max() ?? 0
        let measured = result.probes.filter(\.isMeasurement).map(\.load).max() ?? 0
        return most < Double(measured)
            ? ", of the loads that held, up to \(CapacityText.fixed(most, 0)) calls" : ""
    }

    private static func milliseconds(_ seconds: Double) -> String {
        CapacityText.fixed(seconds * 1000, 1) + " ms"
    }

    /// In the order of the residuals: as `CapacityModel` reads the probes.
    private var cpuLoads: [Double] {
        result.probes.filter(\.isMeasurement).sorted { $0.load < $1.load }.compactMap { probe in
            probe.agentCores == nil ? nil : probe.callsUnderWay
        }
    }

    private func residuals(
        _ id: String, _ title: String, xName: String, _ points: [(Double, Double)], places: Int,
        unit: String
    ) -> String {
        let chart = LoadChart(
            id: id, title: title, xName: xName,
            points: points.map { load, residual in
                LoadChart.Point(
                    x: load, y: residual, style: "p50",
                    tip:
                        "\(CapacityText.fixed(load, 0)) \(xName)\n\(CapacityText.fixed(residual, places))\(unit)"
                )
            }, height: 200, isSigned: true,
            format: { CapacityText.fixed($0, abs($0) < 3 && $0 != 0 ? 1 : 0) + unit })
        return HTMLText.figure(chart.markup(), caption: chart.title)
    }

    private var predictions: String {
        let rows = result.checks.map { check in
            [
                "<span class=\"mark \(check.isInside ? "good" : "doubt")\">\(check.isInside ? "inside" : "outside")</span>",
                HTMLText.escaped(CapacityText.sentence(check)),
                CapacityText.fixed(check.error * 100, 1) + " %",
            ]
        }
        guard !rows.isEmpty else {
            return
                "<p class=\"note\">No load was predicted and then measured: the fit is unchecked.</p>"
        }
        return HTMLText.table(
            [
                .init(name: "check"),
                .init(name: "a load predicted, then measured", isWide: true),
                .init(name: "error", isNumber: true),
            ], rows, caption: "Predictions")
    }
}
