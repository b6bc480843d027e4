/// Every command: a literal list, in the order of help.
enum Commands {
    static let all: [Command] = [
        .list
    ]

    static var visible: [Command] { all.filter { !$0.isInternal } }
}
