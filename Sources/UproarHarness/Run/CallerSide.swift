import UproarAudio
import UproarCore
import UproarFaults
import UproarLoad
import UproarRuntime
import UproarScenario

/// The callers of one loop with all they need: transport, prepared audio, engine, driver, and the facts they state.
package final class CallerSide {
    package let loop: EventLoop
    package let engine: CallerEngine
    package let driver: CallDriver
    package let facts = FactBatch()
    /// Around each transport where the timeline spoils audio; empty: callers hold the transports themselves.
    package let media: [FaultyTransport]

    /// - lines: in the order of the scenario's channels.
    /// - transport: makes the transport of a name; asked for once for each.
    package init(
        loop: EventLoop, plan: RunPlan, lines: [RunLine],
        transport: (String) -> any CallTransport,
        loopIndex: Int = 0, loopCount: Int = 1, dialLimit: Int? = nil,
        parameters: [HTTPField] = []
    ) {
        self.loop = loop
        engine = CallerEngine(loop: loop)
        let spoils = LinkPlan(plan.scenario).hasMediaFaults
        var media: [FaultyTransport] = []
        let facts = facts
        let key = plan.scenario.isTagging ? ReferenceKey(plan.seed) : nil
        // Channels of one transport share what it has prepared.
        var prepared: [String: (transport: any CallTransport, library: CallerLibrary)] = [:]
        let callLines = lines.map { line in
            let (transport, library) =
                prepared[line.transport]
                ?? {
                    var transport = transport(line.transport)
                    if spoils {
                        let faulty = FaultyTransport(transport, loop: loop, facts: facts)
                        media.append(faulty)
                        transport = faulty
                    }
                    return (transport, Self.library(line, transport, key))
                }()
            prepared[line.transport] = (transport, library)
            return CallLine(
                transport: transport, library: library, conversation: line.conversation,
                pictures: line.pictures.map { transport.prepare($0) },
                parameters: line.parameters)
        }
        self.media = media
        var settings = plan.driverSettings(ofLoop: loopIndex, of: loopCount)
        settings.dialLimit = dialLimit
        settings.parameters = parameters
        driver = CallDriver(
            loop: loop, engine: engine, lines: callLines, lineOf: { plan.line(of: $0) },
            seats: plan.seats(ofLoop: loopIndex, of: loopCount), facts: facts, seed: plan.seed,
            settings: settings)
    }

    /// Arms or clears a media fault.
    package func spoil(_ plan: FaultPlan, arms: Bool) {
        for transport in media {
            if arms { _ = transport.arm(plan) } else { transport.clear(plan.id) }
        }
    }

    private static func library(
        _ line: RunLine, _ transport: any CallTransport, _ key: ReferenceKey?
    ) -> CallerLibrary {
        let format = transport.format
        return CallerLibrary(
            clips: zip(line.clips, line.frames).map {
                CallerLibrary.Clip(description: $0, audio: transport.prepare($1))
            },
            silence: transport.prepare(
                [UInt8](repeating: format.encoding.silence, count: format.bytesPerFrame)),
            tones: transport.prepare(ToneFrames.all(format)),
            headTag: { AudioTag.symbols(for: $0) }, key: key)
    }
}
