import UproarAudio
import UproarCore
import UproarRuntime

/// What has been spoken before, kept beyond the process. Used on the worker's thread.
package protocol VoiceShelf: Sendable {
    /// As `Voice.render` gave it; nil when it is not there, or not whole.
    func sound(of text: String, in voice: Voice) -> PCM?
    func keep(_ sound: PCM, of text: String, in voice: Voice)
}

/// Flite behind `VoiceRenderer`: off the loop, each clause once per format, in a cache of bounded size.
package final class FliteRenderer: VoiceRenderer {
    private struct Key: Hashable {
        var clause: String
        var voice: Voice
        var format: VoiceFormat
    }

    private let worker: any BackgroundWorker
    private let loop: EventLoop
    private let usual: Voice
    private let shelf: (any VoiceShelf)?
    private let byteLimit: Int
    private var cache: [Key: SpokenClause] = [:]
    /// In order of making: the oldest leaves first.
    private var order: [Key] = []
    private var oldest = 0
    private var byteCount = 0
    private var waiting: [Key: [(SpokenClause?) -> Void]] = [:]
    /// Clauses that were not there when a call asked for them.
    package private(set) var missCount = 0

    /// - shelf: looked at before anything is spoken; nil speaks everything.
    package init(
        worker: any BackgroundWorker, loop: EventLoop, voice: Voice = .slt,
        shelf: (any VoiceShelf)? = nil, byteLimit: Int = 256 << 20
    ) {
        self.shelf = shelf
        self.worker = worker
        self.loop = loop
        usual = voice
        self.byteLimit = byteLimit
    }

    package func render(
        _ clause: String, voice: String, format: VoiceFormat,
        then: @escaping (SpokenClause?) -> Void
    ) -> SpokenClause? {
        let key = key(clause, voice, format)
        if let known = cache[key] { return known }
        missCount += 1
        make(key, then: then)
        return nil
    }

    private func key(_ clause: String, _ voice: String, _ format: VoiceFormat) -> Key {
        Key(clause: clause, voice: Voice(rawValue: voice) ?? usual, format: format)
    }

    /// Makes everything these texts need and says when all of it is there, and how many clauses could not be made.
    package func prerender(
        _ texts: [String], formats: [VoiceFormat], voice: String = "",
        then: @escaping (_ failed: Int) -> Void
    ) {
        var keys = OrderedTable<Key, Bool>()
        for text in texts {
            // With the opening word that the language model may put before it, and without.
            for clause in VoiceText.clauses(of: ReferenceText.opener + text)
            where !clause.spoken.isEmpty {
                for format in formats { keys[key(clause.spoken, voice, format)] = true }
            }
        }
        makeNext(of: keys.keys[...], failed: 0, then: then)
    }

    /// One after the other: the worker's queue is bounded.
    private func makeNext(
        of keys: ArraySlice<Key>, failed: Int, then: @escaping (_ failed: Int) -> Void
    ) {
        let rest = keys.drop { cache[$0] != nil }
        guard let key = rest.first else { return then(failed) }
        make(key) { [self] clause in
            makeNext(of: rest.dropFirst(), failed: failed + (clause == nil ? 1 : 0), then: then)
        }
    }

    private func make(_ key: Key, then: @escaping (SpokenClause?) -> Void) {
        if waiting[key] != nil {
            waiting[key]?.append(then)
            return
        }
        waiting[key] = [then]
        let isTaken = worker.run { [shelf] in
            Self.speak(key.clause, key.voice, key.format, shelf)
        } then: { [self] clause in
            finish(key, clause)
        }
        if !isTaken { loop.schedule(at: loop.now) { [self] in finish(key, nil) } }
    }

    private func finish(_ key: Key, _ clause: SpokenClause?) {
        if let clause { keep(key, clause) }
        for then in waiting.removeValue(forKey: key) ?? [] { then(clause) }
    }

    private func keep(_ key: Key, _ clause: SpokenClause) {
        cache[key] = clause
        order.append(key)
        byteCount += clause.bytes.count
        while byteCount > byteLimit, oldest < order.count - 1 {
            if let gone = cache.removeValue(forKey: order[oldest]) {
                byteCount -= gone.bytes.count
            }
            oldest += 1
        }
        if oldest > 4096 {
            order.removeFirst(oldest)
            oldest = 0
        }
    }

    /// Runs on the worker's thread.
    private static func speak(
        _ clause: String, _ voice: Voice, _ format: VoiceFormat, _ shelf: (any VoiceShelf)?
    ) -> SpokenClause? {
        let sound = trimmed(rendered(clause, voice, shelf))
        guard !sound.samples.isEmpty else { return nil }
        return SpokenClause(
            format: format, bytes: format.encode(sound.resampled(to: format.rate).samples))
    }

    private static func rendered(_ clause: String, _ voice: Voice, _ shelf: (any VoiceShelf)?)
        -> PCM
    {
        if let known = shelf?.sound(of: clause, in: voice) { return known }
        let sound = voice.render(clause)
        shelf?.keep(sound, of: clause, in: voice)
        return sound
    }

    /// Flite puts silence around each text; pauses are the emulator's own business.
    private static func trimmed(_ sound: PCM) -> PCM {
        let limit: Int16 = 150
        let margin = sound.rate.samples(in: .milliseconds(10))
        guard let first = sound.samples.firstIndex(where: { $0 > limit || $0 < -limit }),
            let last = sound.samples.lastIndex(where: { $0 > limit || $0 < -limit })
        else { return PCM(rate: sound.rate, samples: []) }
        let range = max(0, first - margin)..<min(sound.samples.count, last + 1 + margin)
        return PCM(rate: sound.rate, samples: Array(sound.samples[range]))
    }
}
