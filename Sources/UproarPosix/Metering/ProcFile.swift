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
        return withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 1) { buffer in
            while content.count < byteLimit {
                let count = try? systemCall("read") {
                    read(file.number, buffer.baseAddress, buffer.count)
                }
                guard let count else { return nil }
                if count == 0 { break }
                content.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
            return content
        }
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
