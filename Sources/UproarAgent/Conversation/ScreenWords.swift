/// Words by which a caller speaks of what he shows.
enum ScreenWords {
    private static let words: Set<String> = [
        "screen", "see", "look", "looking", "picture", "image", "shown", "show", "here", "this",
    ]

    static func refer(_ text: String) -> Bool {
        text.lowercased().split { !$0.isLetter }.contains { words.contains(String($0)) }
    }
}
