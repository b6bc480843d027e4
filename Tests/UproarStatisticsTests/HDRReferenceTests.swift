import Glibc
import Testing
import UproarCore

@testable import UproarStatistics

/// Run by `scripts/check-hdr`, which hands over what the reference implementation made of the same values.
@Suite struct HDRReferenceTests {
    private static let vectors = getenv("UPROAR_HDR_VECTORS").map { String(cString: $0) }
    private static let output = getenv("UPROAR_HDR_OUT").map { String(cString: $0) }

    @Test(.enabled(if: vectors != nil)) func slotsBytesAndQuantilesAreTheReferences() throws {
        let cases = try JSONParser.parse(Self.read(try #require(Self.vectors))).items ?? []
        #expect(!cases.isEmpty)
        var ours: [JSONValue] = []
        for item in cases {
            let name = try #require(item["name"]?.text)
            let values = try #require(item["values"]?.items).compactMap(\.int)
            var whole = HDRHistogram()
            var halves = [HDRHistogram(), HDRHistogram()]
            for (place, value) in values.enumerated() {
                whole.record(Int64(value))
                halves[place % 2].record(Int64(value))
            }
            halves[1].add(halves[0])
            #expect(halves[1] == whole, "\(name)")
            let theirs = try HDRHistogram(base64: try #require(item["base64"]?.text))
            #expect(theirs.encodedV2() == whole.encodedV2(), "\(name)")
            for pair in try #require(item["quantiles"]?.items) {
                let q = try #require(pair[0]?.double)
                let expected = try #require(pair[1]?.int)
                // The reference answers with the slot's greatest value, ours never with more than was recorded.
                let answer = try #require(whole.quantile(q))
                #expect(
                    HDRSlots.highest(HDRSlots.slot(of: answer)) == Int64(expected), "\(name) \(q)")
            }
            ours.append(["name": .string(name), "base64": .string(whole.base64)])
        }
        try Self.write(JSONValue.array(ours).encoded(), to: try #require(Self.output))
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let file = try #require(fopen(path, "rb"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { return bytes }
            bytes += piece.prefix(count)
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "wb"))
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }
}
