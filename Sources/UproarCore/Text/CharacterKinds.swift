extension Character {
    /// As `isWhitespace`, without a look into Unicode's tables where the character is ASCII, as nearly all are.
    package var isBlank: Bool {
        guard let ascii = asciiValue else { return isWhitespace }
        return ascii == 0x20 || (0x09...0x0d).contains(ascii)
    }

    /// As `isLetter || isNumber`, in the same way.
    package var isLetterOrNumber: Bool {
        guard let ascii = asciiValue else { return isLetter || isNumber }
        return (0x61...0x7a).contains(ascii | 0x20) || (0x30...0x39).contains(ascii)
    }
}
