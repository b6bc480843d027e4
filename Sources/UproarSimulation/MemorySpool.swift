import UproarCore
import UproarRuntime

/// A spool in simulation: outlives agents as long as somebody keeps it. Everything is done at once and reported in the loop's
/// next turn.
package final class MemorySpool: Spool {
    private let loop: EventLoop
    private let byteLimit: Int
    private var files = OrderedTable<String, [UInt8]>()
    private var byteCount = 0

    /// - byteLimit: the disk is full at so many bytes.
    package init(loop: EventLoop, byteLimit: Int = .max) {
        self.loop = loop
        self.byteLimit = byteLimit
    }

    package subscript(_ name: String) -> [UInt8]? { files[name] }

    private func soon(_ then: @escaping () -> Void) { loop.schedule(at: loop.now) { then() } }

    package func append(_ bytes: [UInt8], to name: String, then: @escaping (Bool) -> Void) -> Bool {
        let hasRoom = bytes.count <= byteLimit - byteCount
        if hasRoom {
            files[name, default: []] += bytes
            byteCount += bytes.count
        }
        soon { then(hasRoom) }
        return true
    }

    package func rename(_ name: String, to newName: String, then: @escaping (Bool) -> Void) {
        let file = files[name]
        if let file {
            files[name] = nil
            files[newName] = file
        }
        soon { then(file != nil) }
    }

    package func read(
        _ name: String, from offset: Int, count: Int, then: @escaping ([UInt8]?) -> Void
    ) {
        let bytes = files[name].map { Array($0.dropFirst(offset).prefix(count)) }
        soon { then(bytes) }
    }

    package func remove(_ name: String, then: @escaping () -> Void) {
        byteCount -= files[name]?.count ?? 0
        files[name] = nil
        soon(then)
    }

    package func list(then: @escaping ([SpoolFile]) -> Void) {
        let list = zip(files.keys, files.values).map {
            SpoolFile(name: $0, byteCount: $1.count)
        }.sorted { $0.name < $1.name }
        soon { then(list) }
    }
}
