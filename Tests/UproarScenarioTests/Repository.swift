import Glibc

/// Files of the repository, for tests that read what is shipped.
enum Repository {
    static let root = String(
        #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined())

    static func bytes(_ path: String) -> [UInt8]? {
        guard let file = fopen(root + "/" + path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            bytes += buffer[..<count]
        }
        // A folder opens, and reads as an error.
        return ferror(file) == 0 ? bytes : nil
    }

    static func exists(_ path: String) -> Bool { access(root + "/" + path, F_OK) == 0 }
}
