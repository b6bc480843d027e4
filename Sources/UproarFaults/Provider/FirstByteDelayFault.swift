import UproarCore

/// The first content comes later, by so much more than it would.
package struct FirstByteDelayFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "ttfb_delay",
        summary: "The first content comes later, by so much more than it would.",
        effect: "an answer was late",
        attributes: [.init("delay", .distribution, isRequired: true, "How much later.")],
        targets: ProviderAttribute.all, recovery: .seconds(10))

    let delay: Distribution

    package init(_ attributes: FaultAttributes) {
        delay = attributes.distribution("delay") ?? .constant(.zero)
    }

    package func extraLatency(_ random: inout RandomStream) -> Duration { delay.draw(&random) }
}
