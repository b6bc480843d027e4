import Testing
import UproarCore

@testable import UproarHarness

@Suite("The panel")
struct LivePanelTests {
    func snapshot() -> LiveSnapshot {
        var snapshot = LiveSnapshot()
        snapshot.scenario = "quickstart"
        snapshot.phase = "calling"
        snapshot.elapsed = .seconds(12)
        snapshot.planned = .seconds(60)
        return snapshot
    }

    @Test("It names its keys only where there are some")
    func keys() {
        var snapshot = snapshot()
        #expect(!LivePanel.lines(snapshot).contains { $0.hasPrefix("KEYS") })
        snapshot.hasKeys = true
        #expect(
            LivePanel.lines(snapshot).last
                == "KEYS       + - rate  p pause  f next fault  s snapshot  q drain")
    }

    @Test("A rate that was turned, a pause and the faults of the timeline are shown")
    func steered() throws {
        var snapshot = snapshot()
        snapshot.rate = 125
        snapshot.faults = [("deaf", "effective"), ("mute", "waiting")]
        let lines = LivePanel.lines(snapshot)
        #expect(lines.contains { $0.hasPrefix("CALLS      rate 125%  in call 0") })
        #expect(lines.contains("FAULTS     deaf effective · mute waiting"))
        snapshot.rate = 0
        #expect(LivePanel.lines(snapshot).contains { $0.hasPrefix("CALLS      PAUSED  in call 0") })
    }

    @Test("No line is wider than the terminal")
    func width() {
        var snapshot = snapshot()
        snapshot.faults = (0..<30).map { ("fault-\($0)", "waiting") }
        snapshot.hasKeys = true
        #expect(LivePanel.lines(snapshot, width: 40).allSatisfy { $0.count <= 40 })
    }
}
