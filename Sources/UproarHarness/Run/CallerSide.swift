import UproarAudio
import UproarCore
import UproarLoad
import UproarRuntime
import UproarScenario

/// The callers of one loop with all they need: transport, prepared audio, engine, driver, and the facts they state.
package final class CallerSide {
    package let loop: EventLoop
    package let engine: CallerEngine
    package let driver: CallDriver
    package let facts = FactBatch()

    /// - frames: each clip's whole 20 ms frames in the transport's format, in the plan's order.
    package init(
        loop: EventLoop, transport: any CallTransport, plan: RunPlan, frames: [[UInt8]],
        loopIndex: Int = 0, loopCount: Int = 1, dialLimit: Int? = nil,
        parameters: [HTTPField] = []
    ) {
        self.loop = loop
        engine = CallerEngine(loop: loop)
        let format = transport.format
        let key = plan.scenario.isTagging ? ReferenceKey(plan.seed) : nil
        let library = CallerLibrary(
            clips: zip(plan.clips, frames).map {
                CallerLibrary.Clip(description: $0, audio: transport.prepare($1))
            },
            silence: transport.prepare(
                [UInt8](repeating: format.encoding.silence, count: format.bytesPerFrame)),
            tones: transport.prepare(ToneFrames.all(format)),
            headTag: { AudioTag.symbols(for: $0) }, key: key)
        var settings = plan.driverSettings(ofLoop: loopIndex, of: loopCount)
        settings.dialLimit = dialLimit
        settings.parameters = parameters
        driver = CallDriver(
            loop: loop, engine: engine, transport: transport, library: library,
            conversation: plan.conversation, seats: plan.seats(ofLoop: loopIndex, of: loopCount),
            facts: facts, seed: plan.seed, settings: settings)
    }
}
