import UproarCore
import UproarPosix
import UproarRuntime
import UproarStatistics

/// The known answers around a live run's own calls: what this machine adds of its own, before and after. Belongs to the control loop.
///
/// Either takes about 3 s and never more than 8; what fails gives no figure and holds nothing up.
final class RunNoise {
    private let results: RunResults
    private let folder: RunFolder
    private let view: LiveView
    private let loop: EventLoop
    private let clock: RunClock
    private var check: NoiseFloorCheck?
    private var then: (() -> Void)?

    init(
        _ results: RunResults, _ folder: RunFolder, _ view: LiveView, _ loop: EventLoop,
        _ clock: RunClock
    ) {
        self.results = results
        self.folder = folder
        self.view = view
        self.loop = loop
        self.clock = clock
    }

    func measureBefore(_ host: any ProcessHost, then: @escaping () -> Void) {
        measure(host, "", \.before, then)
    }

    /// Only where there is a figure from before: alone it would say nothing of a change.
    func measureAfter(_ host: any ProcessHost, then: @escaping () -> Void) {
        guard results.noise.before != nil else { return then() }
        measure(host, "after the run: ", \.after, then)
    }

    private func measure(
        _ host: any ProcessHost, _ head: String,
        _ side: WritableKeyPath<RunResults.Noise, NoiseFloor?>, _ then: @escaping () -> Void
    ) {
        self.then = then
        do {
            check = try NoiseFloorCheck(host: host, folder: folder, loop: loop, clock: clock) {
                [weak self] floor in
                guard let self else { return }
                if let floor { view.say(head + floor.text) }
                results.noise[keyPath: side] = floor
                goOn()
            }
        } catch {
            view.say(head + "the noise floor was not measured: \(error)")
            goOn()
        }
    }

    /// Nobody waits for it any more: what was to follow follows now. False when nothing was being measured.
    @discardableResult
    func skip() -> Bool {
        guard let check else { return false }
        check.cancel()
        goOn()
        return true
    }

    /// Nothing follows.
    func cancel() {
        then = nil
        check?.cancel()
        check = nil
    }

    private func goOn() {
        check = nil
        let then = then
        self.then = nil
        then?()
    }
}
