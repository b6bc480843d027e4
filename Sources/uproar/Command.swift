import UproarCore

/// One verb of `uproar`. The list in `Commands.all` is literal.
struct Command: Sendable {
    var name: String
    /// One line for `uproar help`.
    var summary: String
    /// How it is called, after `uproar NAME`.
    var form: String
    /// What `uproar help NAME` says between the form and the flags.
    var text: String
    var flags: [Arguments.Flag]
    /// Left out of `uproar help`: only the program itself calls it.
    var isInternal = false
    var run: @Sendable (Arguments) async throws -> ExitCode
}

enum CommonFlags {
    static let out = Arguments.Flag("out", "DIR", "write the run's files into DIR itself")
    static let seed = Arguments.Flag("seed", "N", "the run's seed, in place of the scenario's")
    static let quiet = Arguments.Flag("quiet", nil, "no progress on stderr")
    static let set = Arguments.Flag(
        "set", "KEY=VALUE", "override a value of the scenario, as agent.endpointing=300ms",
        repeats: true)
    static let insecure = Arguments.Flag(
        "insecure", nil, "do not check TLS certificates of the target (said in the report)")
}
