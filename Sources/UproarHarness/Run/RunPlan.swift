import UproarCore
import UproarLoad
import UproarRuntime
import UproarScenario

/// Everything a run knows before it begins: a pure function of scenario, seed and corpus.
package struct RunPlan: Sendable {
    package var scenario: Scenario
    package var seed: Seed
    package var arrivals: ArrivalPlan
    /// As the first channel's transport carries them.
    package var clips: [ClipDescription]
    /// SHA-256 of the resolved scenario without seed, output folder and ports.
    package var hash: String

    /// In the order of their due times; a seat's id is its place here.
    package var seats: [Seat] {
        arrivals.starts.enumerated().map { index, start in
            Seat(
                id: UInt32(index), due: .zero + start.at,
                until: start.span.map { .zero + arrivals.spans[$0].until },
                line: UInt32(start.line))
        }
    }

    /// The seats of one of `count` caller loops: every `count`-th.
    package func seats(ofLoop loop: Int, of count: Int) -> [Seat] {
        seats.filter { Int($0.id) % count == loop }
    }

    package func driverSettings(ofLoop loop: Int, of count: Int) -> CallDriver.Settings {
        let total = UInt32(arrivals.arrivals.count + arrivals.spans.count)
        let stride = UInt32(count)
        // The first free number of this loop's residue.
        let first = (total + stride - 1) / stride * stride + UInt32(loop)
        let greeting: Duration? =
            switch scenario.conversation.greeting {
            case .expected(let within): within
            case .none: nil
            }
        var settings = CallDriver.Settings(
            patience: scenario.patience, setupLimit: scenario.callSetupLimit,
            redial: scenario.redial, greetingWithin: greeting, isTagged: scenario.isTagging,
            firstExtraCall: first, stride: stride)
        settings.onDrop = scenario.onDrop
        if let callers = scenario.callers {
            settings.callers = callers.rows.indices.map { row in
                callers.parameters(ofCaller: row).map { HTTPField($0.name, $0.value) }
            }
        }
        settings.callLength = scenario.callLength
        return settings
    }

    /// The place of a call's channel among the scenario's, which is that of its line.
    package func line(of call: UInt32) -> Int {
        let channel = scenario.channel(of: call, seed: seed)
        return scenario.channels.firstIndex { $0.channel == channel } ?? 0
    }

    /// The name of a load line, for tags and windows.
    package func lineName(_ line: UInt32) -> String {
        arrivals.lines.indices.contains(Int(line)) ? arrivals.lines[Int(line)].name : "load"
    }
}
