/// Bytes that will be used soon, for `LoopDriver.prefetch`; good for nothing else. What lay there may be gone by then.
///
/// The C side reads it as `struct uproar_memory_part`.
package struct MemoryPart: Sendable {
    private let address: UInt
    private let count: Int

    package static let none = MemoryPart(address: 0, count: 0)

    private init(address: UInt, count: Int) {
        self.address = address
        self.count = count
    }

    /// The first bytes of an object: what is used most stands first in those that ask for this.
    package init(of object: AnyObject, first count: Int) {
        self.init(
            address: UInt(bitPattern: Unmanaged.passUnretained(object).toOpaque()), count: count)
    }
}
