import Glibc
import UproarCore

/// Where the files that ship with the program are: scenarios, fixtures, prices.
///
/// `UPROAR_SHARE` says so; else `PREFIX/share/uproar` beside `PREFIX/bin/uproar`; else, in a checkout, the folder above the
/// build that holds `scenarios/`.
package enum ShareFolder {
    package static func find(executable: String? = executablePath()) -> String? {
        if let named = getenv("UPROAR_SHARE").map({ String(cString: $0) }), !named.isEmpty {
            return named
        }
        guard let executable else { return nil }
        var parts = executable.split(separator: "/", omittingEmptySubsequences: true).map(
            String.init)
        guard parts.count >= 2 else { return nil }
        parts.removeLast()
        let installed = "/" + (parts.dropLast() + ["share", "uproar"]).joined(separator: "/")
        if isFolder(installed + "/scenarios") { return installed }
        while !parts.isEmpty {
            let folder = "/" + parts.joined(separator: "/")
            if isFolder(folder + "/scenarios"), isFolder(folder + "/fixtures") { return folder }
            parts.removeLast()
        }
        return nil
    }

    /// `path` itself when it exists (absolute, or from the working directory), else the same below the share folder.
    package static func locate(_ path: String) -> String? {
        if exists(path) { return path }
        guard !path.hasPrefix("/"), let share = find(), exists(share + "/" + path) else {
            return nil
        }
        return share + "/" + path
    }

    /// The machine's `redis-server`; where it has none, the one that a tarball of `make dist` carries.
    package static func redisServer(executable: String? = executablePath()) -> String {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        if path.split(separator: ":").contains(where: { access("\($0)/redis-server", X_OK) == 0 }) {
            return "redis-server"
        }
        let parts = (executable ?? "").split(separator: "/").dropLast(2)
        let carried = "/" + parts.joined(separator: "/") + "/lib/uproar/redis-server"
        return access(carried, X_OK) == 0 ? carried : "redis-server"
    }

    package static func executablePath() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes {
            readlink(
                "/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
