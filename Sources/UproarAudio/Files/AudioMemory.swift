internal import CSndfile
internal import Glibc

/// Bytes that libsndfile reads and writes as if they were a file. The C function is `sf_open_virtual`.
///
/// Kept alive for as long as the file it opened is in use.
final class AudioMemory {
    private(set) var bytes: [UInt8]
    /// Where `bytes` begins in the file: what stood before it has been taken.
    private var start = 0
    private var place = 0

    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    private var end: Int { start + bytes.count }

    /// Takes out what has been written so far. What a library later writes over it (the head of an MP3, once its length is
    /// known) is dropped: a stream cannot be mended.
    func take() -> [UInt8] {
        defer {
            start = end
            bytes = []
        }
        return bytes
    }

    func open(_ mode: Int32, _ description: inout SF_INFO) -> OpaquePointer? {
        var calls = SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(AudioMemory.of($0).end) },
            seek: { offset, whence, memory in AudioMemory.of(memory).seek(offset, whence) },
            read: { target, count, memory in AudioMemory.of(memory).read(target, count) },
            write: { source, count, memory in AudioMemory.of(memory).write(source, count) },
            tell: { sf_count_t(AudioMemory.of($0).place) })
        return sf_open_virtual(
            &calls, mode, &description, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func of(_ pointer: UnsafeMutableRawPointer?) -> AudioMemory {
        Unmanaged<AudioMemory>.fromOpaque(pointer!).takeUnretainedValue()
    }

    private func seek(_ offset: sf_count_t, _ whence: Int32) -> sf_count_t {
        let origin =
            switch whence {
            case SEEK_CUR: place
            case SEEK_END: end
            default: 0
            }
        place = max(0, origin &+ Int(clamping: offset))
        return sf_count_t(place)
    }

    private func read(_ target: UnsafeMutableRawPointer?, _ count: sf_count_t) -> sf_count_t {
        let taken = min(Int(clamping: count), max(0, end - place))
        guard taken > 0, place >= start, let target else { return 0 }
        bytes.withUnsafeBytes {
            target.copyMemory(from: $0.baseAddress! + (place - start), byteCount: taken)
        }
        place += taken
        return sf_count_t(taken)
    }

    private func write(_ source: UnsafeRawPointer?, _ count: sf_count_t) -> sf_count_t {
        let length = Int(clamping: count)
        guard length > 0, let source else { return 0 }
        if end < place + length {
            bytes.append(contentsOf: repeatElement(0, count: place + length - end))
        }
        let gone = min(length, max(0, start - place))
        if gone < length {
            bytes.withUnsafeMutableBytes {
                ($0.baseAddress! + (place + gone - start)).copyMemory(
                    from: source + gone, byteCount: length - gone)
            }
        }
        place += length
        return sf_count_t(length)
    }
}
