"""Wrong answers to the coded exercise of chapters/62-compressing-alexnet.ipynb, for its self-check to turn down."""


def decode_from_the_end(bits, code):
    """Reads from the end, where one word may end as another does."""
    symbols = {word: symbol for symbol, word in code.items()}
    found = []
    while bits:
        for width in range(1, len(bits) + 1):
            if bits[-width:] in symbols:
                found.append(symbols[bits[-width:]])
                bits = bits[:-width]
                break
        else:
            raise ValueError("no word fits")
    return found[::-1]


def decode_without_end(bits, code):
    """Forgets that the string may end within a word."""
    symbols = {word: symbol for symbol, word in code.items()}
    found, word = [], ""
    for bit in bits:
        word += bit
        if word in symbols:
            found.append(symbols[word])
            word = ""
    return found


def decode_words(bits, code):
    """Returns the words instead of their symbols."""
    found, word = [], ""
    for bit in bits:
        word += bit
        if word in code.values():
            found.append(word)
            word = ""
    if word:
        raise ValueError("no word fits")
    return found


def decode_fixed_width(bits, code):
    """Takes all words to be as long as the longest."""
    symbols = {word: symbol for symbol, word in code.items()}
    width = max(map(len, symbols))
    if len(bits) % width:
        raise ValueError("no word fits")
    return [symbols.get(bits[at : at + width]) for at in range(0, len(bits), width)]


def decode_never_starts_anew(bits, code):
    """Does not begin a new word after one has been found."""
    symbols = {word: symbol for symbol, word in code.items()}
    found, word = [], ""
    for bit in bits:
        word += bit
        if word in symbols:
            found.append(symbols[word])
    if word and word not in symbols:
        raise ValueError("no word fits")
    return found


def decode_to_text(bits, code):
    """Returns one string, which is not a list of symbols where these are numbers."""
    symbols = {word: symbol for symbol, word in code.items()}
    found, word = "", ""
    for bit in bits:
        word += bit
        if word in symbols:
            found += str(symbols[word])
            word = ""
    if word:
        raise ValueError("no word fits")
    return found
