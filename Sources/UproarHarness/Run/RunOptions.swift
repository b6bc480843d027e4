import UproarCapacity
import UproarCore

/// What the command line says of a run, beside the scenario.
package struct RunOptions: Sendable {
    package var out: String?
    package var isQuiet = false
    /// TLS certificates of the target are not checked.
    package var isInsecure = false
    /// Keep the audio of the worst calls, and of so many more, spread over the callers; 0: of none.
    package var tapes = 0
    /// Dials per second at the most.
    package var dialLimit: Int?
    /// A drill: nothing is injected before there is a steady state to disturb.
    package var isDrill = false
    /// Caller loops; nil: chosen by the machine and the load.
    package var loops: Int?
    /// Ends the run early when the agent falls ever further behind.
    package var saturation: SaturationDetector.Limits?
    /// Known answers before the run, which take some seconds.
    package var measuresNoise = true
    /// Where the live page listens; nil: nowhere.
    package var web: (host: String, port: UInt16)?
    /// Where turns and figures are posted as OpenTelemetry data; nil: nowhere.
    package var otlp: OTLPExporter.Settings?
    /// A stored result to hold the run against, and from when a difference counts.
    package var baseline: (path: String, settings: Comparing.Settings)?
    /// One of several runs of a command that speaks to a CI itself, once, when all have ended.
    package var isRound = false
    /// The command line, for the line that tells how to reproduce the run.
    package var commandLine: String

    package init(commandLine: String) { self.commandLine = commandLine }
}
