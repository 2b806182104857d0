"""Things to eat and drink."""

from mldata.storybook.lexicon import words

FRUITS = words("""
apple, pear, plum, peach, cherry, banana, strawberry, orange, apricot, fig, mango, melon, raspberry,
blueberry, grape, kiwi, lemon, blackberry, papaya, pineapple
""")
VEGETABLES = words("""
carrots, beans, pumpkins, tomatoes, peas, potatoes, radishes, cucumbers, beets, onions, turnips, cabbages,
peppers, lettuces, spinach, leeks, squashes
""")
SNACKS = words("""
sandwich, cookie, muffin, bun, pancake, bread roll, pretzel, waffle, piece of cake, apple pie, cheese
roll, honey cake, dumpling, cinnamon roll, rice cake, jam tart, croissant, bagel, oatcake, flatbread,
slice of pizza, scone, sausage roll, cupcake, doughnut, slice of melon, lemon tart, sesame ring, omelet,
spring roll, cheese pie, slice of banana bread
""")
CAKES = words("""
chocolate cake, apple cake, carrot cake, lemon cake, honey cake, cherry pie, nut cake, plum cake,
cheesecake, strawberry cake, banana bread, poppy seed cake, pumpkin pie, blueberry pie, walnut tart,
orange cake, ginger cake
""")
WARM_DRINKS = words("""
hot chocolate, warm milk, sweet tea, apple juice, cocoa, milk with honey, mint tea, hot lemon
""")
MEALS = words("""
soup, pancakes, noodles, rice and beans, pasta, potato soup, dumplings, stew, vegetable pie, porridge,
fish and chips, omelets, pumpkin soup, pizza, couscous, curry, tomato soup, lentil soup, roast chicken,
fried eggs, baked potatoes
""")
