import UproarCore
import UproarHarness

extension Command {
    static let recordings = Command(
        name: "recordings",
        summary: "recorded calls in their store: list them, fetch them decrypted, erase them",
        form: "list|fetch|erase [--person ID] [--call ID] [--before DATE] [KEY…]",
        text: """
            list    date, size and key of each recording.
            fetch   decrypts into --out DIR, a WAV file each: caller left, agent right.
            erase   deletes for good. Without --person, --call, --before or a KEY nothing is erased.
            Persons and calls are named as the agent knew them: user_id (or the number) and the call's id.
            RECORDING_KEY decrypts, and finds persons; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY open the store. Every access is
            logged before it is made; without a log nothing is touched.
            """,
        flags: [
            Arguments.Flag(
                "endpoint", "URL", "the S3-compatible store (AWS_ENDPOINT_URL)"),
            Arguments.Flag("bucket", "NAME", "its bucket (recordings)"),
            Arguments.Flag("region", "NAME", "for signatures (AWS_REGION, us-east-1)"),
            Arguments.Flag("person", "ID", "recordings of this person"),
            Arguments.Flag("call", "ID", "the recording of this call"),
            Arguments.Flag("before", "DATE", "recordings made before this day: 2026-01-31"),
            Arguments.Flag("out", "DIR", "where fetched recordings go (.)"),
            Arguments.Flag("access-log", "FILE", "appended to (in the state folder)"),
        ]
    ) { arguments in
        let verbs = RecordingsTool.Verb.allCases.map(\.rawValue)
        guard let word = arguments.rest.first, let verb = RecordingsTool.Verb(rawValue: word) else {
            let near = arguments.rest.first.flatMap { NearestName.of($0, among: verbs) }
            throw Arguments.Mistake(
                text: """
                    'uproar recordings' needs one of: \(verbs.joined(separator: " "))\
                    \(near.map { "; did you mean '\($0)'?" } ?? "")
                      see 'uproar help recordings'
                    """)
        }
        var wanted = RecordingsTool.Wanted()
        wanted.person = arguments.text("person")
        wanted.call = arguments.text("call")
        wanted.before = arguments.text("before")
        wanted.keys = Array(arguments.rest.dropFirst())
        var place = RecordingsTool.Place()
        place.endpoint = arguments.text("endpoint")
        place.bucket = arguments.text("bucket") ?? place.bucket
        place.region = arguments.text("region")
        place.accessLog = arguments.text("access-log")
        return try RecordingsTool.run(
            verb, wanted, at: place, out: arguments.text("out") ?? ".",
            print: { Terminal.standardOutput($0 + "\n") },
            say: { Terminal.standardError($0 + "\n") })
    }
}
