/// Every command: a literal list, in the order of help.
enum Commands {
    static let all: [Command] = [
        .run, .simulate, .drill, .check, .plan, .report, .compare, .ab, .baseline, .history,
        .capacity,
        .size, .autoscale, .initialise, .list,
        .status, .inject, .clear, .mark, .journal, .calibrate, .doctor, .recover, .halt, .agent,
        .sessions, .recordings, .providers, .link, .audio,
        .guardian, .inside, .pressure, .calibrationTarget,
    ]

    static var visible: [Command] { all.filter { !$0.isInternal } }
}
