import Glibc
import Testing
import UproarCore

/// Files of the repository that tests hold against the code.
enum Repository {
    /// Empty, with an issue, when there is no such file.
    static func bytes(_ path: String, file: StaticString = #filePath) -> [UInt8] {
        guard let file = fopen(root("\(file)") + path, "rb") else {
            Issue.record("\(path) is missing")
            return []
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 {
            bytes += piece.prefix(count)
        }
        return bytes
    }

    static func text(_ path: String) -> String { String(decoding: bytes(path), as: UTF8.self) }

    private static func root(_ file: String) -> String {
        file.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/"
    }
}
