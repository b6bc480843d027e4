import UproarCore

/// Published messages are lost on their way to subscribers: p says how many.
package struct RedisPublishLossFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "pubsub_loss",
        summary: "Published messages are lost on their way to subscribers; p says how many.",
        effect: "a message was lost", targets: RedisAttribute.targets, recovery: .seconds(5),
        needsTarget: true)
    package static let unit = FaultScope.Unit.request

    package let effect = LinkEffect.redis(.publishLoss)

    package init(_ attributes: FaultAttributes) {}
}
