import UproarCore
import UproarHarness

extension Command {
    static let doctor = Command(
        name: "doctor", summary: "what this machine can carry, and what stands in the way",
        form: "",
        text: "", flags: []
    ) { _ in
        let report = Doctor.examine()
        Terminal.standardOutput(report.text)
        return report.isWell ? .passed : .usage
    }
}
