import UproarCore

/// The commit this build came from: `COMMIT` in the share folder (written by `make install`), else the checkout's HEAD.
package enum BuildCommit {
    /// 12 hex digits, or `unknown`.
    package static func read(share: String? = ShareFolder.find()) -> String {
        guard let share else { return "unknown" }
        if let line = firstLine(share + "/COMMIT") { return short(line) }
        var folder = share + "/.git"
        var common = folder
        // A work tree or submodule has a file there that names its folder (gitrepository-layout(5)).
        if let line = firstLine(folder), line.hasPrefix("gitdir: ") {
            folder = absolute(String(line.dropFirst(8)), from: share)
            common = firstLine(folder + "/commondir").map { absolute($0, from: folder) } ?? folder
        }
        guard let head = firstLine(folder + "/HEAD") else { return "unknown" }
        guard head.hasPrefix("ref: ") else { return short(head) }
        let reference = String(head.dropFirst(5))
        if let line = firstLine(common + "/" + reference) { return short(line) }
        guard let packed = try? TextFile.read(common + "/packed-refs") else { return "unknown" }
        for line in String(decoding: packed, as: UTF8.self).split(separator: "\n")
        where line.hasSuffix(" " + reference) {
            return short(String(line))
        }
        return "unknown"
    }

    private static func absolute(_ path: String, from folder: String) -> String {
        path.hasPrefix("/") ? path : folder + "/" + path
    }

    private static func short(_ hash: String) -> String {
        let digits = hash.prefix(12)
        return digits.allSatisfy(\.isHexDigit) && digits.count == 12 ? String(digits) : "unknown"
    }

    private static func firstLine(_ path: String) -> String? {
        guard let bytes = try? TextFile.read(path, limit: 1 << 16) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }
}
