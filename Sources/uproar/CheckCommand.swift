import UproarCore
import UproarHarness

extension Command {
    static let check = Command(
        name: "check", summary: "is a scenario right, and what would it need? nothing is dialled",
        form: "SCENARIO.yaml", text: "", flags: [CommonFlags.seed, CommonFlags.set]
    ) { arguments in
        Terminal.standardOutput(try Checking.checkText(try RunInput(arguments).scenario))
        return .passed
    }

    static let plan = Command(
        name: "plan", summary: "every arrival and fault of a run with its time, and the hash",
        form: "SCENARIO.yaml --seed N",
        text: "The same scenario and seed give the same bytes on every machine.",
        flags: [CommonFlags.seed, CommonFlags.set]
    ) { arguments in
        Terminal.standardOutput(try Checking.planText(try RunInput(arguments).scenario))
        return .passed
    }
}
