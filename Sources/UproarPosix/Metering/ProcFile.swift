import Glibc

/// Reads small kernel files whole: /proc, /sys, cgroup files. They have no size, so they are read until their end.
package enum ProcFile {
    /// Beyond this a file is cut; nothing that is parsed here comes near it but /proc/stat on machines with many interrupts,
    /// whose first lines are what counts.
    static let byteLimit = 1 << 20

    /// The bytes of `path`; nil when it is not there, not permitted, or its process ended meanwhile.
    package static func bytes(_ path: String) -> [UInt8]? {
        guard let number = try? systemCall("open", { open(path, O_RDONLY | O_CLOEXEC) }) else {
            return nil
        }
        let file = Descriptor(owning: number)
        var content: [UInt8] = []
        var capacity = 4096
        while content.count < byteLimit {
            let start = content.count
            var status = 0
            content.append(contentsOf: repeatElement(0, count: capacity))
            content.withUnsafeMutableBytes { buffer in
                status =
                    (try? systemCall(
                        "read", { read(file.number, buffer.baseAddress! + start, capacity) })) ?? -1
            }
            content.removeLast(capacity - max(0, status))
            if status < 0 { return nil }
            if status == 0 { break }
            capacity = min(capacity * 2, 1 << 16)
        }
        return content
    }

    package static func text(_ path: String) -> String? {
        bytes(path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The names in a folder, in the kernel's order, without `.` and `..`; empty when it cannot be read.
    package static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
