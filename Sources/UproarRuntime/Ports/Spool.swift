/// A folder whose files outlive the process. Verbs are carried out one after another in the order given, and none holds up the
/// loop; `then` comes on the loop, never before the verb returns.
package protocol Spool: AnyObject {
    /// Appends to a file, which is made if need be. False when the disk would not take it; then the file ends where it ended
    /// before.
    ///
    /// Returns false, and neither writes nor calls `then`, when too much is waiting for the disk already.
    @discardableResult
    func append(_ bytes: [UInt8], to name: String, then: @escaping (Bool) -> Void) -> Bool
    /// Flushes a file to the disk and gives it another name.
    func rename(_ name: String, to newName: String, then: @escaping (Bool) -> Void)
    /// At most `count` bytes from `offset`; fewer at the file's end; nil when it cannot be read.
    func read(
        _ name: String, from offset: Int, count: Int, then: @escaping ([UInt8]?) -> Void)
    func remove(_ name: String, then: @escaping () -> Void)
    /// In the order of their names.
    func list(then: @escaping ([SpoolFile]) -> Void)
}

package struct SpoolFile: Hashable, Sendable {
    package var name: String
    package var byteCount: Int

    package init(name: String, byteCount: Int) {
        self.name = name
        self.byteCount = byteCount
    }
}
