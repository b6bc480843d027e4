import Glibc

/// Swift source with comments and string literals blanked, so that only code is searched. Lines keep their numbers.
struct SwiftText {
    private(set) var code: [UInt8]

    private enum Place: Equatable {
        /// Inside code; `depth` counts parentheses of an interpolation, which ends when it falls to 0.
        case code(depth: Int)
        case string(hashes: Int, isLong: Bool)
    }

    init(_ source: String) {
        let bytes = Array(source.utf8)
        code = bytes
        var places = [Place.code(depth: 0)]
        var index = 0
        func at(_ offset: Int) -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }
        func blank(_ range: Range<Int>) {
            for place in range where place < bytes.count && bytes[place] != UInt8(ascii: "\n") {
                code[place] = 0x20
            }
        }
        while index < bytes.count {
            let start = index
            switch places[places.count - 1] {
            case .code(let depth):
                if at(index) == UInt8(ascii: "/"), at(index + 1) == UInt8(ascii: "/") {
                    while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
                    blank(start..<index)
                } else if at(index) == UInt8(ascii: "/"), at(index + 1) == UInt8(ascii: "*") {
                    var nesting = 0
                    repeat {
                        if at(index) == UInt8(ascii: "/"), at(index + 1) == UInt8(ascii: "*") {
                            nesting += 1
                            index += 2
                        } else if at(index) == UInt8(ascii: "*"), at(index + 1) == UInt8(ascii: "/")
                        {
                            nesting -= 1
                            index += 2
                        } else {
                            index += 1
                        }
                    } while nesting > 0 && index < bytes.count
                    blank(start..<index)
                } else if let opened = Self.opening(bytes, index) {
                    index += opened.count
                    blank(start..<index)
                    places.append(opened.place)
                } else {
                    if depth > 0 {
                        if at(index) == UInt8(ascii: "(") {
                            places[places.count - 1] = .code(depth: depth + 1)
                        } else if at(index) == UInt8(ascii: ")") {
                            if depth == 1 {
                                places.removeLast()
                            } else {
                                places[places.count - 1] = .code(depth: depth - 1)
                            }
                        }
                    }
                    index += 1
                }
            case .string(let hashes, let isLong):
                if at(index) == UInt8(ascii: "\\"), Self.hashes(bytes, index + 1) >= hashes {
                    index += 1 + hashes
                    if at(index) == UInt8(ascii: "(") { places.append(.code(depth: 1)) }
                    index += 1
                } else if Self.quotes(bytes, index) >= (isLong ? 3 : 1),
                    Self.hashes(bytes, index + (isLong ? 3 : 1)) >= hashes
                {
                    index += (isLong ? 3 : 1) + hashes
                    places.removeLast()
                } else {
                    index += 1
                }
                blank(start..<index)
            }
        }
    }

    private static func hashes(_ bytes: [UInt8], _ start: Int) -> Int {
        var end = start
        while end < bytes.count, bytes[end] == UInt8(ascii: "#") { end += 1 }
        return end - start
    }

    private static func quotes(_ bytes: [UInt8], _ start: Int) -> Int {
        var end = start
        while end < bytes.count, bytes[end] == UInt8(ascii: "\"") { end += 1 }
        return end - start
    }

    private static func opening(_ bytes: [UInt8], _ start: Int) -> (place: Place, count: Int)? {
        let hashes = hashes(bytes, start)
        let quotes = quotes(bytes, start + hashes)
        guard quotes > 0 else { return nil }
        let isLong = quotes >= 3
        return (.string(hashes: hashes, isLong: isLong), hashes + (isLong ? 3 : 1))
    }

    // MARK: Searching

    /// The line numbers, from 1, where `phrase` stands as whole words. The C function is `strstr`: a loop over bytes takes a
    /// debug build a minute for all sources and rules.
    func lines(with phrase: String) -> [Int] {
        let needle = Array(phrase.utf8CString)
        guard needle.count > 1 else { return [] }
        let first = UInt8(bitPattern: needle[0])
        let last = UInt8(bitPattern: needle[needle.count - 2])
        var offsets: [Int] = []
        (code + [0]).withUnsafeBytes { bytes in
            guard let start = bytes.assumingMemoryBound(to: CChar.self).baseAddress else { return }
            var rest = start
            while let found = strstr(rest, needle) {
                offsets.append(UnsafePointer(found) - start)
                rest = UnsafePointer(found) + 1
            }
        }
        return offsets.filter { offset in
            let end = offset + needle.count - 1
            let isWordBefore = offset > 0 && Self.isWord(code[offset - 1]) && Self.isWord(first)
            let isWordAfter = end < code.count && Self.isWord(code[end]) && Self.isWord(last)
            return !isWordBefore && !isWordAfter
        }.map { offset in 1 + code[..<offset].count { $0 == UInt8(ascii: "\n") } }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: byte >= 0x80
        }
    }

    /// The modules imported, with their lines.
    var imports: [(line: Int, module: String)] {
        var found: [(Int, String)] = []
        let lines = code.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            let words = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
            guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
                words[..<place].allSatisfy({ $0.hasPrefix("@") || Self.accessLevels.contains($0) })
            else { continue }
            var name = words[place + 1]
            if Self.kinds.contains(name), place + 2 < words.count { name = words[place + 2] }
            let module = name.split(separator: ".").first.map(String.init) ?? name
            found.append((number + 1, module))
        }
        return found
    }

    private static let accessLevels = ["public", "package", "internal", "private", "fileprivate"]
    private static let kinds = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
    ]
}
