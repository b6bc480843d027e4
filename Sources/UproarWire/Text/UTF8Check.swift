/// Whether bytes that arrive in pieces are UTF-8 (Unicode 16, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.
struct UTF8Check {
    /// Bytes still due of the sequence that is open.
    private var due: UInt8 = 0
    /// What the next of them must lie in; narrower than 0x80...0xBF only straight after some lead bytes.
    private var low: UInt8 = 0x80
    private var high: UInt8 = 0xbf

    /// No sequence is open: the text may end here.
    var isComplete: Bool { due == 0 }

    /// False as soon as a byte cannot be part of UTF-8 text.
    mutating func accept(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let address = bytes.baseAddress else { return true }
        let count = bytes.count
        var index = 0
        while index < count {
            if due == 0 {
                // Plain ASCII, the usual case, many bytes at a time.
                let high = SIMD4<UInt64>(repeating: 0x8080_8080_8080_8080)
                while index &+ 32 <= count,
                    (address + index).loadUnaligned(as: SIMD4<UInt64>.self) & high == .zero
                { index &+= 32 }
                while index &+ 8 <= count,
                    (address + index).loadUnaligned(as: UInt64.self) & high[0] == 0
                { index &+= 8 }
                while index < count, bytes[index] < 0x80 { index &+= 1 }
                if index == count { return true }
                guard open(bytes[index]) else { return false }
            } else {
                let byte = bytes[index]
                guard byte >= low, byte <= high else { return false }
                due &-= 1
                low = 0x80
                high = 0xbf
            }
            index &+= 1
        }
        return true
    }

    private mutating func open(_ lead: UInt8) -> Bool {
        switch lead {
        case 0xc2...0xdf: due = 1
        case 0xe0:
            due = 2
            low = 0xa0
        case 0xed:
            due = 2
            high = 0x9f
        case 0xe1...0xef: due = 2
        case 0xf0:
            due = 3
            low = 0x90
        case 0xf4:
            due = 3
            high = 0x8f
        case 0xf1...0xf3: due = 3
        default: return false
        }
        return true
    }
}
