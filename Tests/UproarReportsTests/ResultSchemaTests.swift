import Testing
import UproarCore
import UproarStatistics

@testable import UproarReports

@Suite struct ResultSchemaTests {
    static let schema = try! JSONParser.parse(Repository.bytes("docs/result-schema.json"))

    @Test(arguments: ["faulty", "tiny", "empty"])
    func resultsFitTheSchemaAndHoldNothingItDoesNotDescribe(_ name: String) throws {
        // As stored: whole numbers have lost their type, as they do for every reader.
        let stored = try JSONParser.parse(HTMLReportTests.named(name).encoded())
        #expect(SchemaChecker(Self.schema).errors(in: stored).prefix(5) == [])
    }

    @Test func theCommittedSampleFitsAndIsReadable() throws {
        let bytes = Repository.bytes("reports/sample/result.json")
        #expect(SchemaChecker(Self.schema).errors(in: try JSONParser.parse(bytes)).prefix(5) == [])
        let result = try RunResult(decoding: bytes)
        #expect(result.outcome.word == .passed)
        #expect(try RunResult(decoding: result.encoded()) == result)
    }

    @Test(arguments: [
        (#"{"schema": "uproar.result/1"}"#, "'partial' is missing"),
        (#"{"schema": "uproar.result/2"}"#, "$.schema: is not"),
        (#"{"seed": true}"#, "$.seed: is not"),
        (#"{"world": "real"}"#, "$.world: \"real\" is not one of the words"),
        (#"{"verdict": 1}"#, "'verdict' is not described"),
        (#"{"ledger": {"lost": -1}}"#, "$.ledger.lost: -1.0 is too small"),
        (#"{"windows": [{"id": "x"}]}"#, "$.windows[0]: 'kind' is missing"),
    ])
    func theCheckerRejects(_ text: String, _ complaint: String) throws {
        let errors = SchemaChecker(Self.schema).errors(in: try JSONParser.parse(Array(text.utf8)))
        #expect(errors.contains { $0.contains(complaint) }, "\(errors)")
    }
}
