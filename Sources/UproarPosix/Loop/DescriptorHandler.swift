import CUproarShims
import Glibc

/// What a driver calls when a watched descriptor is ready.
package protocol DescriptorHandler: AnyObject {
    func ready(_ events: DescriptorEvents)
}

/// What to watch for, and what happened; the kernel's own bits.
package struct DescriptorEvents: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = DescriptorEvents(rawValue: EPOLLIN.rawValue)
    package static let writable = DescriptorEvents(rawValue: EPOLLOUT.rawValue)
    /// Tell once of what becomes so, not again as long as it is so: for a handler that takes all there is, or asks anew.
    package static let onChange = DescriptorEvents(rawValue: EPOLLET.rawValue)
    /// The peer will send no more.
    package static let peerEnded = DescriptorEvents(rawValue: EPOLLRDHUP.rawValue)
    /// Both directions are over. Reported whether watched for or not.
    package static let hungUp = DescriptorEvents(rawValue: EPOLLHUP.rawValue)
    /// Reported whether watched for or not.
    package static let failed = DescriptorEvents(rawValue: EPOLLERR.rawValue)
}

/// Names one watched descriptor of one driver. Never used twice, so an event that is left over from a closed one finds nobody.
package struct WatchID: Hashable, Sendable {
    let slot: Int
    let generation: UInt32

    init(slot: Int, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    /// As it travels through the kernel.
    init(bits: UInt64) {
        slot = Int(bits & 0xffff_ffff)
        generation = UInt32(bits >> 32)
    }

    var bits: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
}
