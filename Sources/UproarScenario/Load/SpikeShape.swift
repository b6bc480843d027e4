/// `spike: 100 callers at once`: single calls, on top of whoever is there, in no time.
package struct SpikeShape: Hashable, Sendable {
    package var calls: Int
    package init(calls: Int) { self.calls = calls }
}
