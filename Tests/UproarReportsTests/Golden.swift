import Glibc
import Testing

/// Texts kept in `Tests/Golden`. `UPROAR_UPDATE_GOLDEN=1 swift test` writes them anew: read the diff.
enum Golden {
    static func check(
        _ text: String, _ name: String, file: StaticString = #filePath,
        location: SourceLocation = #_sourceLocation
    ) {
        let path = folder("\(file)") + name
        if getenv("UPROAR_UPDATE_GOLDEN") != nil { return write(text, to: path) }
        let expected = read(path)
        guard text != expected else { return }
        let mine = text.split(separator: "\n", omittingEmptySubsequences: false)
        let theirs = (expected ?? "").split(separator: "\n", omittingEmptySubsequences: false)
        let place = zip(mine, theirs).enumerated().first { $1.0 != $1.1 }?.offset
        Issue.record(
            """
            \(name) differs from line \((place ?? min(mine.count, theirs.count)) + 1):
              is  \(place.map { String(mine[$0]) } ?? "\(mine.count) lines")
              was \(place.map { String(theirs[$0]) } ?? "\(theirs.count) lines")
            """, sourceLocation: location)
    }

    /// Where a test leaves what a person wants to look at, when `UPROAR_REPORTS_OUT` names a folder.
    static func show(_ text: String, _ name: String) {
        guard let folder = getenv("UPROAR_REPORTS_OUT") else { return }
        write(text, to: String(cString: folder) + "/" + name)
    }

    private static func folder(_ file: String) -> String {
        file.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Golden/"
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 {
            bytes += piece.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func write(_ text: String, to path: String) {
        guard let file = fopen(path, "wb") else {
            Issue.record("\(path) cannot be written")
            return
        }
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        _ = fwrite(bytes, 1, bytes.count, file)
    }
}
