import UproarScenario

/// What callers say of the screen that they share.
enum ScreenShareCorpus {
    static func render(into folder: String) throws -> CorpusManifest {
        try SpokenCorpus.render(
            [
                .init("add-screen", "Add what is on my screen to my list.", isCommon: true),
                .init("task-of-picture", "Make a task of what you see here.", isCommon: true),
            ], name: "screen-share", into: folder)
    }
}
