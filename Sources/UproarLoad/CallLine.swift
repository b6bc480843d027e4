import UproarCore
import UproarRuntime

/// How the calls of one channel are made on one loop: over what, with which audio, saying what.
package struct CallLine {
    package var transport: any CallTransport
    /// Prepared by this transport.
    package var library: CallerLibrary
    package var conversation: ConversationPlan
    /// By the conversation's numbers, prepared by this transport; nil where it carries none.
    package var pictures: [(any PreparedPicture)?]
    /// Custom parameters of these calls.
    package var parameters: [HTTPField]

    package init(
        transport: any CallTransport, library: CallerLibrary, conversation: ConversationPlan,
        pictures: [(any PreparedPicture)?] = [], parameters: [HTTPField] = []
    ) {
        self.transport = transport
        self.library = library
        self.conversation = conversation
        self.pictures = pictures
        self.parameters = parameters
    }
}
