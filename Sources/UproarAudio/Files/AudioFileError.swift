internal import UproarCore

/// Why a sound file cannot be used; the description is a sentence for the person who named the file.
package struct AudioFileError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        case missing
        case unreadable(String)
        /// No bytes, or a header without samples.
        case empty
        /// Not a sound file, or a codec libsndfile does not know.
        case unknownFormat(String)
        case damaged(String)
        case tooLong(Duration)
        case unwritable(String)
    }

    package var path: String
    package var reason: Reason

    package init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }

    package var description: String {
        switch reason {
        case .missing: "\(path): no such file"
        case .unreadable(let why): "\(path): cannot be read (\(sentence(why)))"
        case .empty: "\(path): holds no sound"
        case .unknownFormat(let why):
            "\(path): not a sound file of a known kind (\(sentence(why))); "
                + "WAV, FLAC, Ogg, Opus, AIFF, AU and MP3 are read"
        case .damaged(let why): "\(path): damaged (\(sentence(why)))"
        case .tooLong(let length):
            "\(path): \(NumberText.duration(length)) long; "
                + "at most \(NumberText.duration(AudioFile.longest)) are read"
        case .unwritable(let why): "\(path): cannot be written (\(sentence(why)))"
        }
    }

    /// libsndfile's texts end in points and line breaks.
    private func sentence(_ text: String) -> String {
        var text = text[...]
        while let last = text.last, last == "." || last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
