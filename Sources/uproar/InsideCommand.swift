import UproarHarness

extension Command {
    static let inside = Command(
        name: "inside", summary: "becomes an agent to which the vendors' names are the emulators",
        form: "", text: "", flags: [], isInternal: true
    ) { _ in
        InsideProcess.run()
    }
}
