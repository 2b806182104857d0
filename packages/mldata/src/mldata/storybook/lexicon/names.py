"""First names from many countries, names for animals, and family names. No name is also a common word."""

from mldata.storybook.lexicon import words

GIRLS = words("""
Mia, Anna, Emma, Nina, Sara, Lena, Ella, Zoe, Maya, Lucy, Nora, Clara, Sofia, Leila, Hana, Amira, Ida,
Marta, Eva, Julia, Alice, Lina, Yuki, Priya, Rosa, Tara, Olga, Vera, Amina, Carla, Elsa, Freya, Greta,
Helena, Ines, Jana, Kira, Laura, Mina, Nadia, Olivia, Paula, Rania, Sasha, Talia, Una, Wanda, Xenia, Yara,
Zara, Abena, Beatriz, Chiara, Dalia, Esme, Fatima, Gita, Hilda, Irene, Jasmina, Keiko, Liv, Matilda,
Ngozi, Odette, Petra, Ruth, Signe, Thea, Ulla, Valentina, Wilma, Yasmin, Zainab, Adela, Bianca, Celia,
Dora, Edith, Fiona, Gemma, Hedda, Isabel, Josefina, Kamala, Lucia, Meera, Naomi, Oona, Pilar, Renata,
Sunita, Tilda, Ximena, Zofia, Aiko, Brigitte, Catalina, Farah, Ingrid, Katya, Ludmila, Mei, Noor, Soraya,
Tamsin, Vilma, Winona, Zuzana, Adaeze, Eilidh, Malia, Nilufar, Saoirse
""")

BOYS = words("""
Tom, Ben, Leo, Sam, Max, Noah, Oscar, Adam, Jonas, Omar, Felix, Hugo, Ravi, Milo, Ivan, Paul, Emil, Theo,
Jan, Karim, Luca, Anton, Daniel, Elias, Henry, Jakob, Kenji, Liam, Mateo, Nico, Otto, Pedro, Samir, Tariq,
Viktor, Youssef, Aaron, Bruno, Carlos, Dmitri, Erik, Finn, George, Hamza, Isak, Joao, Kofi, Lars, Malik,
Nils, Oliver, Pablo, Rashid, Simon, Tomas, Uri, Vincent, Walter, Xavier, Yan, Zeno, Arjun, Basil, Casper,
Diego, Enzo, Farid, Gustav, Haruki, Ibrahim, Julian, Kwame, Levi, Marco, Nabil, Orlando, Philip, Rafael,
Stefan, Timo, Umar, Valentin, Wendell, Yuto, Zoltan, Ahmed, Bartek, Cyrus, Dario, Edgar, Fabian, Gabriel,
Hassan, Igor, Jamal, Konrad, Lorenzo, Moritz, Nikhil, Osman, Piotr, Ruben, Sven, Tobias, Ulrich, Vikram,
Wojtek, Yaroslav, Zahir, Akira, Benedict, Chidi, Emeka, Goran, Idris, Lachlan
""")

ANIMAL_GIRLS = words("""
Tansy, Dot, Pippa, Tilly, Mopsy, Nutmeg, Bramble, Fern, Hazel, Maple, Minka, Pepper, Tuppy, Bibi, Fluff,
Juno, Kiki, Lulu, Mimi, Nibs, Opal, Pixie, Quilla, Roly, Sorrel, Tipsy, Velvet, Willow, Zuzu, Bluebell,
Cinnamon, Daphne, Flopsy, Ginger, Honeybee, Ivy, Jellybean, Kipsy, Lottie, Marigold, Peaches, Primula,
Saffron, Thistle, Vanilla, Wisp
""")

ANIMAL_BOYS = words("""
Pip, Bumble, Teddy, Rusty, Nibbles, Buster, Fidget, Scamper, Tumble, Barley, Bobbin, Cosmo, Dusty, Figaro,
Gus, Hopper, Jasper, Kipper, Loppy, Monty, Nutkin, Ollie, Patch, Quibble, Rufus, Snuffle, Tuck, Umbo,
Waddle, Yogi, Ziggy, Acorn, Biscuit, Chestnut, Digby, Ember, Flick, Grumble, Huckle, Inky, Juniper, Mossy,
Pumpkin, Russet, Skip, Twig
""")

SURNAMES = words("""
Patel, Garcia, Novak, Kim, Weber, Silva, Okafor, Rossi, Larsen, Tanaka, Haddad, Moreau, Kowalski, Singh,
Jensen, Lopez, Brown, Cohen, Demir, Evans, Fischer, Gupta, Horvat, Ito, Jovanovic, Khan, Lindgren, Murphy,
Nguyen, Oliveira, Popov, Quist, Romero, Santos, Torres, Ueda, Virtanen, Wilson, Yilmaz, Zhang, Abdi,
Bauer, Costa, Diallo, Eriksen, Farouk
""")
