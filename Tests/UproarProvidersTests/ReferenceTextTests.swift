import Testing
import UproarCore

@testable import UproarProviders

struct ReferenceTextTests {
    let references = ReferenceText(key: ReferenceKey(Seed(42)), callLimit: 1000)
    let utterance = TurnReference(call: 7, utterance: 3)
    var words: String { references.words(utterance) }

    @Test("A reference is found whatever its case, and only inside the run's plan")
    func find() {
        let found = references.references(in: "\(words.uppercased()), add buy milk".utf8)
        #expect(found.map(\.reference) == [utterance])
        let foreign = references.words(TurnReference(call: 1000, utterance: 1))
        #expect(references.references(in: foreign.utf8).isEmpty)
        #expect(
            references.references(in: "for a human \(words)".utf8).map(\.reference) == [utterance])
    }

    @Test("Taking references out leaves the text that was meant")
    func plain() {
        let reply = references.words(utterance.with(reply: 1))
        for (text, expected) in [
            ("\(words), add buy milk", "add buy milk"),
            ("Done, it is on your list, \(reply).", "Done, it is on your list."),
            ("\(reply), Done. Anything else, \(reply)?", "Done. Anything else?"),
            ("First. \(words), second", "First. second"),
            ("one \(words) two", "one two"),
            ("\(words).", ""), ("no reference here", "no reference here"), ("", ""),
        ] {
            #expect(references.plain(text) == expected, "\(text)")
        }
    }

    @Test("An echo carries the reference first and last and takes out to the reply itself")
    func echo() {
        let reply = utterance.with(reply: 2)
        let text = references.echo("Done, buy milk is on your list.", reply)
        let words = references.words(reply)
        let head = words.prefix(1).uppercased() + words.dropFirst()
        #expect(text == "\(head), Done, buy milk is on your list, \(words).")
        #expect(references.plain(text) == "Done, buy milk is on your list.")
        #expect(references.references(in: text.utf8).map(\.reference) == [reply, reply])
        #expect(references.echo("Anything else?", reply).hasSuffix(", \(words)?"))
        #expect(references.echo("", reply) == "\(head).")
    }

    @Test("The first clause of a reply has at most four words")
    func opening() {
        #expect(
            ReferenceText.opened("You have three tasks today.")
                == "Okay, You have three tasks today.")
        #expect(
            ReferenceText.opened("You have three tasks. Right?") == "You have three tasks. Right?")
        #expect(ReferenceText.opened("Sure, I have added it now.") == "Sure, I have added it now.")
    }
}

struct ReferenceScannerTests {
    let references = ReferenceText(key: ReferenceKey(Seed(42)), callLimit: 1000)
    let reply = TurnReference(call: 7, utterance: 3, reply: 1)

    func segments(of pieces: [String]) -> [ReferenceScanner.Segment] {
        var scanner = ReferenceScanner(references)
        var all: [ReferenceScanner.Segment] = []
        func append(_ segment: ReferenceScanner.Segment) {
            if case .text(let text) = segment, case .text(let before)? = all.last {
                all[all.count - 1] = .text(before + text)
            } else {
                all.append(segment)
            }
        }
        for piece in pieces { scanner.receive(piece).forEach(append) }
        scanner.finish().forEach(append)
        return all
    }

    @Test("Cut anywhere, the segments are the same")
    func everyCut() {
        let text = references.echo("Done, tell the human, robot, it is on your list.", reply)
        let whole = segments(of: [text])
        #expect(whole.count == 3)
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            let pieces = [bytes[..<cut], bytes[cut...]].map { String(decoding: $0, as: UTF8.self) }
            #expect(segments(of: pieces) == whole, "cut at \(cut)")
        }
        #expect(segments(of: bytes.map { String(UnicodeScalar($0)) }) == whole, "byte by byte")
    }

    @Test("Text that can be no reference is not held back")
    func noHold() {
        var scanner = ReferenceScanner(references)
        #expect(scanner.receive("It is on your list.") == [.text("It is on your list.")])
        #expect(!scanner.isHolding)
        #expect(scanner.receive(" Ask the robot ") == [.text(" Ask the ")])
        #expect(scanner.isHolding)
        #expect(scanner.finish() == [.text("robot ")])
    }

    @Test("The words come as they stood")
    func words() {
        let words = references.words(reply).uppercased().split(separator: " ").map(String.init)
        #expect(
            segments(of: ["\(words[0])  \(words[1]), hello"]) == [
                .reference(reply, words: [words[0], words[1] + ","]), .text(" hello"),
            ])
    }
}
