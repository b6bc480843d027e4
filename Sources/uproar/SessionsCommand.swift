import Glibc
import UproarCore
import UproarHarness

extension Command {
    static let sessions = Command(
        name: "sessions", summary: "what the reference agent keeps of callers: erase it",
        form: "erase --user ID [--redis URL]",
        text: """
            Deletes a person's sessions, hand-off contexts and tasks from the agent's Redis. The password comes from the URL or from
            REDIS_PASSWORD. Recordings are erased by their own command.
            """,
        flags: [
            Arguments.Flag("user", "ID", "whose: the user_id of the calls, or their number"),
            Arguments.Flag("redis", "URL", "where (REDIS_URL, or redis://127.0.0.1:6379)"),
        ]
    ) { arguments in
        guard arguments.rest == ["erase"] else {
            throw Arguments.Mistake(text: "uproar sessions erase --user ID")
        }
        guard let person = arguments.text("user"), !person.isEmpty else {
            throw Arguments.Mistake(text: "--user ID says whose sessions are erased")
        }
        func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        let erased = try SessionErasing.run(
            person: person,
            redis: arguments.text("redis") ?? variable("REDIS_URL") ?? "redis://127.0.0.1:6379",
            password: variable("REDIS_PASSWORD"),
            sentinelPassword: variable("REDIS_SENTINEL_PASSWORD"))
        Terminal.standardOutput(
            "erased: sessions \(erased.sessions), hand-offs \(erased.handOffs), tasks \(erased.tasks)\n"
        )
        return .passed
    }
}
