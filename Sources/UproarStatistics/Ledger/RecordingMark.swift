/// What can be said of a recording at the end of a run.
package enum RecordingMark: String, CaseIterable, Sendable {
    case kept, lost, damaged, late, stopped, orphaned

    package var metric: String { "recordings_\(rawValue)" }
}
