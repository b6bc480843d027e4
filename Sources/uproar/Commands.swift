/// Every command: a literal list, in the order of help.
enum Commands {
    static let all: [Command] = [
        .run, .simulate, .check, .plan, .report, .compare, .ab, .baseline,
        .capacity, .size, .autoscale,
        .initialise, .list,
        .calibrate, .doctor, .recover, .halt, .agent, .sessions, .recordings, .providers, .audio,
        .guardian,
        .calibrationTarget,
    ]

    static var visible: [Command] { all.filter { !$0.isInternal } }
}
