/// Every command: a literal list, in the order of help.
enum Commands {
    static let all: [Command] = [
        .run, .check, .plan, .report, .list, .doctor, .agent, .guardian,
    ]

    static var visible: [Command] { all.filter { !$0.isInternal } }
}
