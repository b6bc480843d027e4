import UproarCore

/// A play-out queue as a clock: audio plays in order in real time from when it arrives, and marks fall due when what was
/// queued before them has been played. It keeps lengths and marks, never bytes.
///
///     queue 200 ms at 0      ▐▌▌▌▌▌▌▌▌▌▌▌                  plays 0…200
///     queue 100 ms at 50                 ▐▌▌▌▌▌            plays 200…300
///     mark "a" at 50                          ▲ due 300
///     clear at 120                ╳                        dropped 180 ms, "a" is due at 120
package struct Playout: Sendable {
    /// More marks than this may not wait at once.
    package static let markLimit = 1024

    private struct Mark {
        var name: String
        var due: Instant
    }

    /// When the last of what is queued has been played; in the past when nothing is.
    package private(set) var end = Instant(nanoseconds: .min)
    private var marks: [Mark] = []
    /// Marks before this place have been handed out.
    private var head = 0

    package init() {}

    /// Queues audio of this length that arrived at `now`; returns when its first sample plays.
    package mutating func queue(nanoseconds length: Int64, at now: Instant) -> Instant {
        precondition(length >= 0, "audio of a negative length")
        let start = max(now, end)
        end = Instant(nanoseconds: start.nanoseconds + length)
        return start
    }

    /// Whether anything is left to play at `now`.
    package func isPlaying(at now: Instant) -> Bool { end > now }

    /// A mark behind everything queued so far. False, and nothing happens, when too many wait already.
    package mutating func mark(_ name: String, at now: Instant) -> Bool {
        guard marks.count - head < Self.markLimit else { return false }
        marks.append(Mark(name: name, due: max(now, end)))
        return true
    }

    /// When the next mark falls due; nil when none waits.
    package var nextMark: Instant? { head < marks.count ? marks[head].due : nil }

    /// The next mark that is due at `now`; call it until it returns nil.
    package mutating func takeMark(at now: Instant) -> String? {
        guard head < marks.count, marks[head].due <= now else { return nil }
        defer {
            head += 1
            if head == marks.count {
                marks.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= Self.markLimit {
                marks.removeFirst(head)
                head = 0
            }
        }
        return marks[head].name
    }

    /// Drops what has not been played; every waiting mark is due at once. Returns how much was dropped, in nanoseconds.
    package mutating func clear(at now: Instant) -> Int64 {
        let dropped = end > now ? end.nanoseconds - now.nanoseconds : 0
        if dropped > 0 { end = now }
        for index in head..<marks.count { marks[index].due = min(marks[index].due, now) }
        return dropped
    }
}
