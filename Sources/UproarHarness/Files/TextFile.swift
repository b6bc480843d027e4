import Glibc
import UproarCore

/// Whole files as bytes, with errors a person can act on.
package enum TextFile {
    package struct Failure: Error, CustomStringConvertible {
        package var path: String
        package var errno: Int32
        package var verb: String
        package var description: String {
            "cannot \(verb) \(path): \(String(cString: strerror(errno)))"
        }
    }

    package static func read(_ path: String, limit: Int = 256 << 20) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path: path, errno: Glibc.errno, verb: "read") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count == 0 { return bytes }
            if count < 0 {
                if Glibc.errno == EINTR { continue }
                throw Failure(path: path, errno: Glibc.errno, verb: "read")
            }
            bytes.append(contentsOf: buffer[..<count])
            if bytes.count > limit { throw Failure(path: path, errno: EFBIG, verb: "read") }
        }
    }
}
