import UproarCore
import UproarProviders
import UproarScenario

extension ProviderEmulation {
    /// What a scenario says of this provider, or of one of its operations.
    mutating func take(_ terms: ProviderTerms) {
        let interval = terms.tokensPerSecond.map { Distribution.constant(.fromSeconds(1 / $0)) }
        let limit = terms.rate.map { EmulatorGate.RateLimit($0.count, per: $0.interval) }
        if let name = terms.operation {
            var operation = OperationEmulation(name)
            operation.timing = OperationTiming(
                first: terms.first, tokenInterval: interval, factor: terms.factor?.value)
            operation.connect = terms.connect
            operation.concurrencyLimit = terms.concurrency
            operation.rateLimit = limit
            operations.append(operation)
            return
        }
        switch speed {
        case .speechToText(let latency): speed = .speechToText(latency: terms.first ?? latency)
        case .service(let latency): speed = .service(latency: terms.first ?? latency)
        case .languageModel(let firstToken, let tokenInterval):
            speed = .languageModel(
                firstToken: terms.first ?? firstToken, tokenInterval: interval ?? tokenInterval)
        case .textToSpeech(let firstByte, let factor):
            speed = .textToSpeech(
                firstByte: terms.first ?? firstByte, factor: terms.factor?.value ?? factor)
        }
        connect = terms.connect ?? connect
        concurrencyLimit = terms.concurrency ?? concurrencyLimit
        rateLimit = limit ?? rateLimit
    }
}
