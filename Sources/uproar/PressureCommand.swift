import UproarCore
import UproarHarness

extension Command {
    static let pressure = Command(
        name: "pressure", summary: "takes processor time or memory for a fault of a run", form: "",
        text: "", flags: [Arguments.Flag("config", "FILE", "the fault's plan")], isInternal: true
    ) { arguments in
        guard let config = arguments.text("config") else {
            throw Arguments.Mistake(text: "--config FILE is due: it is started by a run")
        }
        return try PressureProcess.run(config: config)
    }
}
