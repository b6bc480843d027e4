import UproarCore
import UproarHarness

extension Command {
    static let guardian = Command(
        name: "guardian", summary: "ends everything a run started, however the run ends", form: "",
        text: "", flags: [], isInternal: true
    ) { _ in
        GuardianProcess.run()
    }
}
