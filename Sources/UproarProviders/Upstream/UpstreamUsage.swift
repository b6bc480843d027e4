/// What a model's vendor says it has counted: the last figures of an answer, streamed or whole.
struct UpstreamUsage: Hashable {
    var promptTokens: Int64
    var completionTokens: Int64

    init(promptTokens: Int64, completionTokens: Int64) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
    }

    /// OpenAI's `prompt_tokens`, `completion_tokens`; Anthropic's and the responses' `input_tokens`, `output_tokens`. nil where
    /// the vendor was not asked for them.
    init?(in tail: [UInt8]) {
        func last(_ names: [String]) -> Int64? {
            for name in names {
                let mark = Array("\"\(name)\":".utf8)
                guard tail.count > mark.count else { continue }
                for start in stride(from: tail.count - mark.count, through: 0, by: -1)
                where tail[start..<start + mark.count].elementsEqual(mark) {
                    let digits = tail[(start + mark.count)...].drop { $0 == 0x20 }
                        .prefix { (0x30...0x39).contains($0) }
                    if let value = Int64(String(decoding: digits, as: UTF8.self)) { return value }
                }
            }
            return nil
        }
        guard let completion = last(["completion_tokens", "output_tokens"]) else { return nil }
        promptTokens = last(["prompt_tokens", "input_tokens"]) ?? 0
        completionTokens = completion
        guard (0..<1 << 31).contains(promptTokens), (0..<1 << 31).contains(completionTokens) else {
            return nil
        }
    }
}
